# The host toolchain: Rust, lld and the rest as the machine's distribution packages them, in the Nix sandbox.
#
# The interface is described in modules/README.md; modules/toolchain-nixpkgs.nix is the other provider.
{
  system,
  # Versions of the machine's tools (./record-versions): derivations do not see them change otherwise.
  versions,
  # What test hosts are made of (./record-packages): a line each of name, version, SHA-256 and place in the store.
  recorded ? "",
  # Where apt has its packages from, and what it reaches that through (./record-versions): a line each.
  mirror ? "",
}:
let
  inherit (builtins)
    concatStringsSep
    baseNameOf
    elemAt
    filter
    isString
    listToAttrs
    map
    match
    split
    ;

  # The last command is a builtin: a shell that becomes another program at its end is killed by Nix 2.8.
  derive =
    { name, script, ... }@arguments:
    derivation (
      # Programs that a build needs beside the compiler are the machine's own.
      removeAttrs arguments [
        "script"
        "programs"
      ]
      // {
        inherit name system versions;
        builder = "/bin/sh";
        args = [
          "-euc"
          "${script}\nexit 0"
        ];
        PATH = "/usr/bin:/bin";
        RUSTC = "/usr/bin/rustc";
        CARGO_TERM_COLOR = "never";
      }
    );

  # One crate as the registry serves it. Its checksum in Cargo.lock is all that Nix needs to let it in.
  fetchCrate =
    { name, version, checksum, ... }:
    derive {
      name = "${name}-${version}.crate";
      outputHashMode = "flat";
      outputHashAlgo = "sha256";
      outputHash = checksum;
      crate = "${name}@${version}";
      script = ''
        export CARGO_HOME=$PWD/cargo CARGO_HTTP_CAINFO=/etc/ssl/certs/ca-certificates.crt
        cargo info --quiet "$crate" >&2
        cp cargo/registry/cache/*/"$name" $out
      '';
    };

  # A file by its SHA-256: from the mirror that apt uses, which is near, or else from where its authors have it.
  fetch =
    {
      url ? null,
      sha256,
      debian ? null,
    }:
    derive {
      name = baseNameOf (if url == null then debian else url);
      outputHashMode = "flat";
      outputHashAlgo = "sha256";
      outputHash = sha256;
      inherit url debian mirror;
      script = ''
        set -- $mirror
        download() {
            curl --location --fail --silent --show-error --retry 2 --connect-timeout 20 --output $out "$@"
        }
        for address in ''${1:+''${debian:+"$1/$debian"}} $url; do
            if download ''${2:+--proxy "$2"} "$address" && [ "$(sha256sum < $out)" = "$outputHash  -" ]; then exit 0; fi
            echo "$name: $address does not have it" >&2
        done
        echo "$name: needs the network, to fetch the file with SHA-256 $outputHash" >&2
        false
      '';
    };

  # A package of Debian's by its name. ./record-packages has put it into the store, which is all that builds it.
  debOf =
    line:
    let
      words = match "([^ #]+) ([^ ]+) ([0-9a-f]{64}) [^ ]+" line;
      name = elemAt words 0;
    in
    if words == null then
      null
    else
      {
        inherit name;
        value = derive {
          name = "${name}.deb";
          outputHashMode = "flat";
          outputHashAlgo = "sha256";
          outputHash = elemAt words 2;
          script = ''
            echo "$name is no longer in the store: hosts/debian/record-packages brings it back" >&2
            false
          '';
        };
      };

  unpackCommand = crate: ''
    tar xzf ${fetchCrate crate} --no-same-owner
    printf '{"files":{},"package":"${crate.checksum}"}' > ${crate.name}-${crate.version}/.cargo-checksum.json
  '';

  # What is in no registry has no checksum.
  checkFetched =
    lock:
    let
      elsewhere = filter (package: package ? source && !(package ? checksum)) lock.package;
      first = elemAt elsewhere 0;
    in
    if elsewhere == [ ] then
      lock
    else
      throw "the crate `${first.name}` comes from ${first.source}, and the host provider fetches those of crates.io alone: take a release of it, or UNICORE_PROVIDER=nixpkgs";

  vendor =
    given:
    let
      lock = checkFetched given;
    in
    derive {
      name = "crates";
      passAsFile = [ "unpack" ];
      unpack = concatStringsSep "" (map unpackCommand (filter (package: package ? checksum) lock.package));
      script = ''
        mkdir $out
        cd $out
        . "$unpackPath"
      '';
    };

  # Crates and workspace lie at the same places in every build, so that compiled dependencies fit wherever they are used.
  # They keep the time stamps of the store: cargo compiles anew what is older than what it needs.
  cargo =
    {
      name,
      src,
      vendor,
      script,
      artifacts ? null,
      ...
    }@arguments:
    derive (
      arguments
      // {
        inherit artifacts;
        script = ''
          export CARGO_HOME=$PWD/cargo CARGO_TARGET_DIR=$PWD/target CARGO_NET_OFFLINE=true HOME=$PWD
          ln -s "$vendor" crates
          mkdir cargo
          printf '[source.crates-io]\nreplace-with = "vendored"\n\n[source.vendored]\ndirectory = "%s"\n' \
              "$PWD/crates" > cargo/config.toml
          if [ -n "$artifacts" ]; then
            cp -r --preserve=timestamps "$artifacts" target
            chmod -R u+w target
          fi
          cp -r "$src" workspace
          chmod -R u+w workspace
          cd workspace
          ${script}
        '';
      }
    );
in
{
  name = "host";
  debs = listToAttrs (filter (deb: deb != null) (map debOf (filter isString (split "\n" recorded))));
  inherit
    system
    versions
    derive
    fetch
    vendor
    cargo
    ;

  # A target directory for `artifacts` of others; what belongs to the workspace itself is not worth its room.
  artifacts =
    arguments:
    cargo (
      arguments
      // {
        script = ''
          ${arguments.script}
          cp -r "$CARGO_TARGET_DIR" $out
        '';
      }
    );

  # A shell to work in; Nix wants it to be Bash's, and looks for the outputs in the environment.
  shell =
    derivation {
      name = "unicore";
      inherit system versions;
      outputs = [ "out" ];
      builder = "/bin/bash";
      args = [
        "-c"
        "echo > $out"
      ];
      PATH = "/usr/bin:/bin";
    };

  formatter = derive {
    name = "format";
    script = ''
      mkdir -p $out/bin
      cat > $out/bin/format <<'EOF'
      #!/bin/sh
      set -eu
      PATH=/usr/bin:/bin:$PATH
      cargo fmt --all
      if command -v nixfmt >/dev/null; then
          git ls-files '*.nix' | xargs nixfmt
      else
          echo "format: Nix files are left as they are: nixfmt is not installed" >&2
      fi
      EOF
      chmod +x $out/bin/format
    '';
  };

  linker = "/usr/bin/ld.lld-19";
  cc = "/usr/bin/cc";

  # Where `cargo` has the workspace and the crates; the Nix sandbox builds in /build.
  paths = {
    workspace = "/build/workspace";
    crates = "/build/crates";
  };

  # Debian's packages have none that programs with musl could be linked with.
  targets = [ ];

  # Not what `rustc --print sysroot` says: in the sandbox that is `/`, from where the link to the sources leads nowhere.
  library = "/usr/lib/rustlib/src/rust/library";
}
