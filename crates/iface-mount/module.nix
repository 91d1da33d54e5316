{ mkRoom, ... }:
mkRoom ./. {
  summary = "a file system at a path";
  interface = {
    trait = "Mount";
    arity = "many";
  };
}
