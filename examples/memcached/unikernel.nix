# memcached as its authors published it, with the library of events that it waits by.
{ builders, ... }:
let
  libevent = {
    name = "libevent";
    src = {
      debian = "pool/main/libe/libevent/libevent_2.1.12-stable.orig.tar.gz";
      sha256 = "92e6de1be9ec176428fd2367677e61ceffc2ee1cb119035037a27d346b0403bb";
    };
    build = builders.configure {
      flags = [
        "--disable-shared"
        "--disable-openssl"
        "--disable-samples"
        "--disable-libevent-regress"
      ];
    };
  };
in
{
  app = {
    name = "memcached";
    source = {
      src = {
        debian = "pool/main/m/memcached/memcached_1.6.18.orig.tar.xz";
        sha256 = "35872bd25f8d29d7cc2072d23e74344530891bfd0aa4f4f64184a8ae7291164b";
      };
      libraries = [ libevent ];
      build = builders.configure { program = "memcached"; };
    };
    # MiB of values, and UDP, which it leaves closed otherwise. In an image its user is root, which it asks to be told.
    arguments = [ "-m" "32" "-U" "11211" "-u" "root" ];
    ports.memcached = 11211;
  };
  platforms = [ "kvm" "linux" "xen" ];
  memoryMiB = 64;
}
