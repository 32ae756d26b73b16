--- Decides which buffers are sent to the server.
local M = {}

--- The server keeps no larger document.
local MAX_BYTES = 10 * 1000 * 1000

--- @param buffer integer
--- @return integer
local function size_bytes(buffer)
  local size = vim.api.nvim_buf_get_offset(buffer, vim.api.nvim_buf_line_count(buffer))
  return math.max(size, 0)
end

--- Reasons to leave a buffer alone, with the text that `:Starcoder status` shows.
--- @type { [1]: (fun(buffer: integer, options: starcoder.Options): boolean), [2]: string }[]
local reasons = {
  {
    function(buffer)
      return not vim.api.nvim_buf_is_loaded(buffer)
    end,
    "the buffer is not loaded",
  },
  {
    function(buffer)
      return vim.bo[buffer].buftype ~= ""
    end,
    "the buffer is no file ('buftype' is not empty)",
  },
  {
    function(buffer)
      return vim.b[buffer].starcoder_enabled == false
    end,
    "b:starcoder_enabled is false",
  },
  {
    function(buffer, options)
      local filetypes = options.filetypes
      return filetypes and not vim.list_contains(filetypes, vim.bo[buffer].filetype)
    end,
    "the filetype is not among the option filetypes",
  },
  {
    function(buffer)
      return vim.bo[buffer].binary
    end,
    "the file is binary ('binary' is set)",
  },
  {
    function(buffer)
      return size_bytes(buffer) > MAX_BYTES
    end,
    "the file is too large",
  },
}

--- @param buffer integer
--- @return boolean
function M.is_text_file(buffer)
  return vim.bo[buffer].buftype == "" and not vim.bo[buffer].binary
end

--- @param buffer integer
--- @param options starcoder.Options
--- @return string? reason nil if the buffer is for the server
function M.why_not(buffer, options)
  for _, reason in ipairs(reasons) do
    if reason[1](buffer, options) then
      return reason[2]
    end
  end
end

return M
