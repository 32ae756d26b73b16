{ pkgs ? import <nixpkgs> { } }:

let
  version = "1.0";
  # Makes a greeting.
  greet = name: "hello ${name}";
in
{
  shop = pkgs.stdenv.mkDerivation {
    pname = "shop";
    inherit version;
  };
}
