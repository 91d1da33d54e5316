{ mkRoom, ... }:
mkRoom ./. {
  summary = "what the processor architecture does for the rest";
  interface = {
    trait = "Arch";
    arity = "one";
  };
}
