-- Schema 19.  CardDAV is a protocol that accounts have switched on: all that have JMAP and the pages.

UPDATE account SET protocols = protocols || ' carddav' WHERE ' ' || protocols || ' ' LIKE '% http %';
