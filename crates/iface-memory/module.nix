{ mkRoom, ... }:
mkRoom ./. {
  summary = "page-granular memory";
  interface = {
    trait = "Memory";
    arity = "one";
  };
}
