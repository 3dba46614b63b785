-- Back to schema 22.
DROP TABLE book_reader;
DROP TABLE book_right;
