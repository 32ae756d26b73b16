package shop.access

import data.users

default allow = false

# Who may come in.
allow {
  input.user == "admin"
}

is_owner(user) {
  users[user].role == "owner"
}
