{ mkRoom, ... }:
mkRoom ./. {
  summary = "one tree of files from several file systems";
  interface = {
    trait = "Vfs";
    arity = "one";
  };
}
