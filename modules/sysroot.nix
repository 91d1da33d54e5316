# core, compiler_builtins and alloc for a bare target, compiled from the toolchain's own sources.
#
# Three calls of rustc, not cargo's `build-std`: that wants the sources of std's dependencies too.
{ toolchain }:
# The target specification, a file in the store; its name there begins with a hash, which the target's does not.
specification:
let
  file = baseNameOf (builtins.unsafeDiscardStringContext "${specification}");
  target = builtins.elemAt (builtins.match "([0-9a-z]{32}-)?(.*)\\.json" file) 1;
in
toolchain.derive {
  name = "sysroot-${target}";
  inherit specification target;
  # Target specifications are rustc's to change, so stable rustc takes none.
  RUSTC_BOOTSTRAP = "1";
  script = ''
    library=${toolchain.library}
    directory=$out/lib/rustlib/$target/lib
    mkdir -p "$directory"
    # Cargo names the target after this file.
    cp "$specification" "$out/$target.json"

    compile() {
        crate=$1
        source=$2
        shift 2
        rustc "$source" --crate-name "$crate" --crate-type rlib --edition 2024 --target "$out/$target.json" \
            --sysroot "$out" --out-dir "$directory" --cap-lints allow \
            -Copt-level=s -Cpanic=abort -Cembed-bitcode=yes -Cmetadata=unicore \
            -Cdebug-assertions=off -Coverflow-checks=off \
            -Zunstable-options -Zforce-unstable-if-unmarked \
            --remap-path-prefix "$library=/rust/library" "$@"
    }

    compile core "$library/core/src/lib.rs" -Ccodegen-units=1
    # One unit a function: what an image does not call stays out of it.
    CFG_OPT_LEVEL=s CFG_CARGO_FEATURES='["compiler-builtins", "mem"]' CFG_TARGET_FEATURES='[]' CARGO_PKG_VERSION=0 \
        compile compiler_builtins "$library/compiler-builtins/compiler-builtins/src/lib.rs" -Ccodegen-units=10000 \
        --extern core="$directory/libcore.rlib" \
        --cfg 'feature="compiler-builtins"' --cfg 'feature="mem"' --cfg 'feature="unstable-intrinsics"' \
        --cfg 'feature="mem-unaligned"' --cfg intrinsics_enabled --cfg arch_enabled --cfg optimizations_enabled
    compile alloc "$library/alloc/src/lib.rs" -Ccodegen-units=1 \
        --extern core="$directory/libcore.rlib" --extern compiler_builtins="$directory/libcompiler_builtins.rlib"
  '';
}
// {
  inherit target;
}
