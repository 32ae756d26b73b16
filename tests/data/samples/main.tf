terraform {
  required_version = ">= 1.5"
}

# Where it runs.
variable "region" {
  default = "eu-west-1"
}

resource "aws_instance" "web" {
  ami = var.region
}

module "network" {
  source = "./network"
}

output "id" {
  value = aws_instance.web.id
}

locals {
  limit = 10
}
