# Serves pages.
class web (
  Integer $port = 80,
) {
  package { 'nginx':
    ensure => installed,
  }
}

define web::site (String $name) {
  file { $name: }
}
