# The standard library of Rust for programs with musl, compiled from the toolchain's own sources with the crates that lie
# beside them, for a toolchain that has none. All programs of an architecture share it.
#
# A panic ends the program: images have no tables to unwind the stack by.
{ toolchain }:
# The architecture's name.
arch:
let
  target = "${arch}-unknown-linux-musl";
in
toolchain.derive {
  name = "std-${target}";
  inherit target;
  # Features of the compiler that the library alone uses.
  RUSTC_BOOTSTRAP = "1";
  RUSTFLAGS = toString [
    "-Zunstable-options"
    "-Zforce-unstable-if-unmarked"
    "-Cpanic=abort"
    "-Cembed-bitcode=yes"
    "-Cforce-frame-pointers=non-leaf"
    "-Crelocation-model=static"
    "--remap-path-prefix=${toolchain.library}=/rust/library"
  ];
  # What profiles of `library/Cargo.toml` say; a package that is not of that workspace has to say it anew.
  manifest = ''
    [package]
    name = "programs"
    edition = "2024"

    [workspace]

    [dependencies]
    proc_macro = { path = "${toolchain.library}/proc_macro" }
    std = { path = "${toolchain.library}/std" }

    [patch.crates-io]
    rustc-std-workspace-alloc = { path = "${toolchain.library}/rustc-std-workspace-alloc" }
    rustc-std-workspace-core = { path = "${toolchain.library}/rustc-std-workspace-core" }

    [profile.release]
    codegen-units = 1
    debug = "line-tables-only"

    # One unit a function: what a program does not call stays out of it.
    [profile.release.package.compiler_builtins]
    codegen-units = 10000
  '';
  config = ''
    [source.crates-io]
    replace-with = "beside"

    [source.beside]
    directory = "${toolchain.library}/vendor"
  '';
  passAsFile = [
    "config"
    "manifest"
  ];
  script = ''
    export CARGO_HOME=$PWD/cargo CARGO_TARGET_DIR=$PWD/target HOME=$PWD
    mkdir -p cargo src
    cp "$configPath" cargo/config.toml
    cp "$manifestPath" Cargo.toml
    : > src/lib.rs
    cargo build --offline --release --target "$target" -p std -p proc_macro
    mkdir -p "$out/lib/rustlib/$target/lib"
    cp target/"$target"/release/deps/*.rlib "$out/lib/rustlib/$target/lib"
  '';
}
