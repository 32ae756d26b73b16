--- The options of `setup()`: their defaults, and the messages for wrong ones.
--- The server decides what to suggest and when, see `init_options`.
local M = {}

--- @class starcoder.Options
M.defaults = {
  cmd = { "starcoder-lsp", "--stdio" },
  --- @type string[]? nil means all filetypes
  filetypes = nil,
  root_markers = { ".starcoder.toml", ".git" },
  --- @type table<string, any> the server's settings, in snake_case
  init_options = {},
  --- @type table<string, string|false>
  keys = {
    accept = "<Tab>",
    accept_word = "<C-Right>",
    accept_line = "<C-l>",
    next = "<M-]>",
    previous = "<M-[>",
    dismiss = "<C-]>",
    trigger = "<M-\\>",
    more = "<M-CR>",
  },
  --- Who gets the accepting keys while the menu of nvim-cmp or blink.cmp is open.
  --- @type "popup"|"ghost"
  popup_keys = "popup",
  auto = true,
}

local function is_list_of_strings(value)
  if type(value) ~= "table" or not vim.islist(value) then
    return false
  end
  return vim.iter(value):all(function(element)
    return type(element) == "string"
  end)
end

local function is_command(value)
  return is_list_of_strings(value) and #value > 0
end

local function is_table(value)
  return type(value) == "table"
end

local function is_boolean(value)
  return type(value) == "boolean"
end

local function is_key(value)
  return value == false or (type(value) == "string" and value ~= "")
end

local function is_owner(value)
  return value == "popup" or value == "ghost"
end

local expected = {
  cmd = { is_command, "a list of strings that is not empty" },
  filetypes = { is_list_of_strings, "a list of strings" },
  root_markers = { is_list_of_strings, "a list of strings" },
  init_options = { is_table, "a table" },
  keys = { is_table, "a table" },
  popup_keys = { is_owner, 'either "popup" or "ghost"' },
  auto = { is_boolean, "true or false" },
}

local function option_problem(name, value)
  local rule = expected[name]
  if not rule then
    return ("unknown option %q"):format(name)
  end
  if not rule[1](value) then
    return ("option %q must be %s"):format(name, rule[2])
  end
end

local function key_problem(name, value)
  if M.defaults.keys[name] == nil then
    return ("unknown option %q"):format("keys." .. name)
  end
  if not is_key(value) then
    return ("option %q must be a key such as %q, or false"):format(
      "keys." .. name,
      M.defaults.keys[name]
    )
  end
end

local function first_problem(values, problem)
  local names = vim.tbl_map(tostring, vim.tbl_keys(values))
  table.sort(names)
  for _, name in ipairs(names) do
    local message = problem(name, values[name])
    if message then
      return message
    end
  end
end

--- @param given table?
--- @return starcoder.Options? options nil when something is wrong with `given`
--- @return string? problem
function M.resolve(given)
  given = given or {}
  if not is_table(given) then
    return nil, "setup() takes a table of options"
  end
  local problem = first_problem(given, option_problem)
    or first_problem(given.keys or {}, key_problem)
  if problem then
    return nil, problem
  end
  local options = vim.tbl_extend("force", vim.deepcopy(M.defaults), given)
  options.keys = vim.tbl_extend("force", vim.deepcopy(M.defaults.keys), options.keys)
  return options
end

return M
