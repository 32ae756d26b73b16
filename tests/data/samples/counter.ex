defmodule Shop.Counter do
  @moduledoc """
  Counts things.
  """
  use GenServer
  import Enum, only: [map: 2]
  alias Shop.{Item, Order}
  alias Shop.Store, as: S
  require Logger

  @limit 10

  defstruct [:count, :name]

  @doc """
  Starts a counter.
  """
  @spec start_link(integer) :: GenServer.on_start()
  def start_link(initial) do
    GenServer.start_link(__MODULE__, initial)
  end

  # Adds one.
  def increment(pid), do: GenServer.call(pid, :increment)

  def check(n) when n > 0 do
    n
  end

  defp helper(x), do: S.save(x)

  defmacro twice(block) do
    quote do
      unquote(block)
    end
  end
end

defprotocol Size do
  def size(data)
end

defimpl Size, for: Map do
  def size(map), do: map_size(map)
end
