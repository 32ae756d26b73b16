require "json"
require_relative "lib/worker"

module Jobs
  LIMIT = 10

  # Keeps jobs until they run.
  class Queue < Base
    include Enumerable
    attr_reader :jobs, :name
    attr_accessor :size

    def initialize(name)
      @name = name
      @jobs = []
    end

    # Adds a job.
    def push(job)
      jobs << Worker.new(job)
      notify(job)
    end

    def self.default
      new("default")
    end

    class << self
      def create(name) = new(name)
    end
  end
end

def helper(x)
  x * 2
end

Point = Struct.new(:x, :y)
