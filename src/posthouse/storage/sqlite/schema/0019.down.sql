-- Back to schema 18, which knows no CardDAV.
UPDATE account SET protocols = trim(replace(' ' || protocols || ' ', ' carddav ', ' '));
