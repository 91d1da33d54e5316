{ builders, ... }:
{
  app = {
    name = "sqlite";
    source = {
      src = {
        debian = "pool/main/s/sqlite3/sqlite3_3.40.1.orig.tar.xz";
        sha256 = "aaa776260ab4dc976db34aa7891819484c8676b5b2783123ebc6301e2ca5d655";
      };
      build = builders.configure {
        program = "sqlite3";
        flags = [
          "--disable-tcl"
          "--disable-readline"
          "--disable-shared"
          # There is nothing that could be loaded.
          "--disable-load-extension"
          # The machine's zlib would be found, without its header.
          "ac_cv_search_deflate=no"
        ];
        make = [ "sqlite3" ];
        # For tclsh, which makes one file of SQLite's many.
        tools = [ "tcl" ];
      };
    };
    arguments = [ "-batch" "/tmp/books.db" ".read /books.sql" ];
  };
  libs.rootfs.tree = ./root;
  # Its system calls have sockets, which it does not use.
  choose.net-stack = "no-network";
}
