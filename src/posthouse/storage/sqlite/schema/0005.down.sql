DROP TABLE remembered;
DROP TABLE sieve_script;
