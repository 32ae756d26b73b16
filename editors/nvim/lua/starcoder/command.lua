--- The subcommands of `:Starcoder`.
local M = {}

local subcommands = {
  enable = function(starcoder)
    starcoder.enable()
  end,
  disable = function(starcoder)
    starcoder.disable()
  end,
  toggle = function(starcoder)
    starcoder.toggle()
  end,
  restart = function(starcoder)
    starcoder.restart()
  end,
  trigger = function(starcoder)
    starcoder.trigger()
  end,
  more = function(starcoder)
    starcoder.more()
  end,
  explain = function(starcoder)
    starcoder.explain()
  end,
  stats = function(starcoder)
    starcoder.statistics()
  end,
  snooze = function(starcoder, minutes)
    starcoder.snooze(tonumber(minutes))
  end,
  status = function(starcoder)
    vim.notify(starcoder.explain_status())
  end,
}

--- @param lead string
--- @return string[]
function M.complete(lead)
  local names = vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, vim.tbl_keys(subcommands))
  table.sort(names)
  return names
end

--- @param name string
--- @param argument string?
function M.run(name, argument)
  local subcommand = subcommands[name]
  if not subcommand then
    local known = table.concat(M.complete(""), ", ")
    local message = ("starcoder: no subcommand %q; there are: %s"):format(name, known)
    vim.notify(message, vim.log.levels.ERROR)
    return
  end
  subcommand(require("starcoder"), argument)
end

--- Define `:Starcoder`.
function M.define()
  vim.api.nvim_create_user_command("Starcoder", function(command)
    M.run(unpack(command.fargs))
  end, {
    nargs = "+",
    desc = "Control code suggestions from starcoder-lsp",
    complete = M.complete,
  })
end

return M
