-- Back to schema 21, which knows no claims; the keywords stay, as any others.
DROP TABLE note;
DROP TABLE claim;
