-- Schema 28.  What became of a letter that is sent is told by what belongs to it.

CREATE INDEX object_ref ON object (ref) WHERE ref != 0;
