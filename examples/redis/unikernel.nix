# redis as its authors published it.
{ builders, ... }:
{
  app = {
    name = "redis";
    source = {
      src = {
        debian = "pool/main/r/redis/redis_7.0.15.orig.tar.gz";
        sha256 = "4b1dc4ee6d622a09fff9c6777191209750fb5e5a725ef78ea012d6eef4c22982";
      };
      build = builders.make {
        directory = "src";
        program = "src/redis-server";
        # The allocator that comes with it takes less than half the instructions of musl's.
        flags = [
          "MALLOC=jemalloc"
          "OPTIMIZATION=-O3"
          "redis-server"
        ];
      };
    };
    arguments = [ "/etc/redis.conf" ];
    ports.redis = 6379;
  };
  platforms = [ "kvm" "linux" "xen" ];
  memoryMiB = 128;
  libs.rootfs.tree."etc/redis.conf" = ./redis.conf;
}
