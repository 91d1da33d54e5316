{ mkRoom, ... }:
mkRoom ./. {
  summary = "random numbers fit for keys";
  interface = {
    trait = "Entropy";
    arity = "one";
  };
}
