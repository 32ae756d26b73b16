--- Runs commands of the server for the user, and shows their texts.
local client_of = require("starcoder.client")

local M = {}

local SNOOZE_MINUTES = 30

local function run(command, arguments, on_result)
  local client = client_of.attached(vim.api.nvim_get_current_buf())
  if not client then
    vim.notify("starcoder: not attached to this buffer", vim.log.levels.WARN)
    return
  end
  client_of.execute(client, { command = command, arguments = arguments }, on_result)
end

--- Show a text in a floating window, which the next movement of the cursor closes. The
--- cursor stays where it is, so that the next command belongs to the same buffer.
local function show_text(text)
  vim.schedule(function()
    vim.lsp.util.open_floating_preview(vim.split(text or "", "\n"), "text", {
      border = "rounded",
      focus_id = "starcoder",
      focus = false,
      wrap = true,
      max_width = math.max(vim.o.columns - 4, 20),
    })
  end)
end

--- Show how the last suggestion was made, or why there was none.
function M.explain()
  run("starcoder.explain", nil, show_text)
end

--- Show how many suggestions were shown and accepted on this machine.
function M.statistics()
  run("starcoder.statistics", nil, show_text)
end

--- @param minutes number?
function M.snooze(minutes)
  run("starcoder.snooze", { minutes or SNOOZE_MINUTES })
end

return M
