# Transactions that each add a pair to a database on a disk, for who cuts the power in between: `.read /pairs.sql` makes them,
# and `.read /count.sql` says what is left.
{ lib, ... }:
let
  # SQLite commits by removing its journal, and has that reach the disk before it goes on with EXTRA alone.
  begin = ''
    PRAGMA synchronous = EXTRA;
    CREATE TABLE IF NOT EXISTS pairs(id INTEGER PRIMARY KEY, side INTEGER, text TEXT);
  '';
  transaction = ''
    BEGIN;
    INSERT INTO pairs(side, text) VALUES(1, hex(randomblob(300)));
    INSERT INTO pairs(side, text) VALUES(2, hex(randomblob(300)));
    COMMIT;
    SELECT 'synchronized ' || (count(*) / 2) FROM pairs;
  '';
  # Half a pair is said by what is not whole.
  count = ''
    SELECT 'there are ' || (count(*) / 2) || CASE
      WHEN count(*) % 2 = 0 AND 'ok' = (SELECT group_concat(integrity_check) FROM pragma_integrity_check) THEN ' whole'
      ELSE ' torn'
    END FROM pairs;
  '';
in
{
  imports = [ ../sqlite-disk/unikernel.nix ];
  app.arguments = lib.mkOverride 40 [ "-batch" "/data/pairs.db" ];
  libs.rootfs.tree = lib.mkForce {
    "pairs.sql" = builtins.toFile "pairs.sql" (begin + lib.concatStringsSep "" (lib.genList (_: transaction) 2000));
    "count.sql" = builtins.toFile "count.sql" count;
  };
}
