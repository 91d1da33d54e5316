{ mkRoom, ... }:
mkRoom ./. {
  summary = "running a program of Linux";
  interface = {
    trait = "LinuxAbi";
    arity = "one";
  };
}
