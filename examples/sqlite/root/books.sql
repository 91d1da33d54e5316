-- Fills a table, changes it in transactions of both ends, and asks.
PRAGMA integrity_check;
CREATE TABLE IF NOT EXISTS loans(id INTEGER PRIMARY KEY, title TEXT, reader INTEGER, days INTEGER);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO loans(title, reader, days)
SELECT printf('book %05d', i * 7919 % 5000), i * 31 % 97, i * i % 61 FROM n;
CREATE INDEX IF NOT EXISTS by_reader ON loans(reader, days);
COMMIT;
BEGIN;
DELETE FROM loans;
ROLLBACK;
UPDATE loans SET days = days + 1 WHERE reader = 13;
SELECT count(*), sum(days), count(DISTINCT title) FROM loans;
SELECT reader, sum(days) AS total FROM loans GROUP BY reader ORDER BY total DESC, reader LIMIT 3;
PRAGMA integrity_check;
