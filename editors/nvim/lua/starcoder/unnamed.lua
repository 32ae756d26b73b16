--- Buffers without a name. Neovim's client calls them all `file://`, so this sends their
--- text itself, under a URI for each.
local M = {}

--- @class starcoder.Unnamed A document that is open on the server.
--- @field client_id integer
--- @field language string
--- @field changedtick integer the state of the buffer that the server has

--- @type table<integer, starcoder.Unnamed> by buffer
local documents = {}

--- True for a buffer that may become a file. Other buffers without a name, such as lists
--- and prompts, are none of ours.
--- @param buffer integer
--- @return boolean
function M.is_unnamed(buffer)
  return vim.bo[buffer].buftype == "" and vim.api.nvim_buf_get_name(buffer) == ""
end

--- @param buffer integer
--- @return string
function M.uri(buffer)
  return ("untitled:Untitled-%d"):format(buffer)
end

--- The client to which the buffer was sent, nil if it was sent to none.
--- @param buffer integer
--- @return vim.lsp.Client?
function M.client(buffer)
  return documents[buffer] and vim.lsp.get_client_by_id(documents[buffer].client_id)
end

--- @return integer[]
function M.open_buffers()
  return vim.tbl_keys(documents)
end

local function text_of(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n") .. "\n"
end

--- The messages that bring the server up to date; the caller sends them.
--- @param client_id integer
--- @param buffer integer
--- @return { [1]: string, [2]: table }[] messages methods and parameters
function M.changes(client_id, buffer)
  local known, uri = documents[buffer], M.uri(buffer)
  local language = vim.bo[buffer].filetype
  local version = vim.api.nvim_buf_get_changedtick(buffer)
  documents[buffer] =
    { client_id = client_id, language = language, changedtick = version }
  local is_open = known and known.client_id == client_id
  if is_open and known.language == language then
    local change = {
      textDocument = { uri = uri, version = version },
      contentChanges = { { text = text_of(buffer) } },
    }
    return known.changedtick == version and {} or { { "textDocument/didChange", change } }
  end
  local document = { uri = uri, languageId = language, version = version }
  document.text = text_of(buffer)
  local open = { "textDocument/didOpen", { textDocument = document } }
  return is_open and { M.closing(buffer), open } or { open }
end

--- The message that closes the document.
--- @param buffer integer
--- @return { [1]: string, [2]: table }
function M.closing(buffer)
  return { "textDocument/didClose", { textDocument = { uri = M.uri(buffer) } } }
end

--- @param buffer integer
function M.forget(buffer)
  documents[buffer] = nil
end

return M
