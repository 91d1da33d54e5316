# The lock of a package that comes as an archive is not known before it is fetched.
{
  platform = "kvm";
  arch = "x86_64";
  modules = [
    (
      { builders, ... }:
      {
        app.name = "greeter";
        app.source = {
          src = {
            url = "http://localhost/greeter.tar.gz";
            sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
          };
          build = builders.cargo { };
        };
      }
    )
  ];
  problems = [
    "the program's Cargo.lock lies in an archive (nixos-tests/eval/program-in-rust-archive.nix:11): have a copy beside, and name it by `lockFile` of `builders.cargo`"
  ];
}
