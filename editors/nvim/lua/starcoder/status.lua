--- The server's status (`didChangeStatus`), for a statusline.
local M = {}

--- @class starcoder.Status
--- @field busy boolean
--- @field message string
--- @field kind "Normal"|"Error"|"Warning"|"Inactive"

--- @type table<integer, starcoder.Status>
local by_client = {}

--- Trigger `User StarcoderStatus`, so that a statusline can redraw itself.
function M.announce()
  vim.api.nvim_exec_autocmds("User", { pattern = "StarcoderStatus", modeline = false })
end

--- @param client_id integer
--- @param reported starcoder.Status
function M.store(client_id, reported)
  by_client[client_id] = reported
  M.announce()
end

--- @param client_id integer
function M.forget(client_id)
  by_client[client_id] = nil
  M.announce()
end

--- @param client_id integer
--- @return starcoder.Status
function M.of(client_id)
  return by_client[client_id] or { busy = true, message = "starting", kind = "Normal" }
end

local is_alarming = { Error = true, Warning = true }

--- @param reported starcoder.Status
--- @return string
function M.describe(reported)
  local message = reported.message or ""
  if is_alarming[reported.kind] then
    return "⚠ " .. (message ~= "" and message or reported.kind:lower())
  end
  if message ~= "" then
    return message
  end
  if reported.kind == "Inactive" then
    return "inactive"
  end
  return reported.busy and "busy" or "ready"
end

return M
