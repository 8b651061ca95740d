# frozen_string_literal: true
require 'json'
require_relative "lib/helper"
module App::Store
  LIMIT = 10
  class User < Base
    include Comparable
    attr_accessor :name, :age
    has_many :posts, dependent: :destroy
    @@count = 0
    def initialize(name, age = 1, *rest, key:, opt: 2, **options, &block)
      @name = name
      super(age)
    end
    def self.find(id) = new(id)
    def valid?; true; end
    private def secret(...)
      return nil, 1 if name
    end
    class << self
      def build; end
    end
    alias old new
    undef_method :x
  end
end
def run(a, (b, c))
  if a > 1 && !b
    x = 1
  elsif a == 2 or not c
    y ||= 2
  else
    raise ArgumentError, "bad #{a} value"
  end
  unless a then b else c end
  puts "x" if a
  puts "y" unless b
  i += 1 while i < 3
  begin; j; end until j
  while true do break end
  until a; next; end
  for k, v in pairs do redo end
  loop { break 1 }
  case a
  when 1, Integer then one
  when /re#{x}/i
    two
  else
    three
  end
  case [a, b]
  in {name: String => n, age:} if n then n
  in [1, *rest] then rest
  in 1 | 2
    z
  end
  begin
    risky
  rescue IOError, SystemCallError => e
    log(e)
    retry
  rescue
    nil
  else
    ok
  ensure
    done
  end
  v = risky rescue nil
  yield a, b
  a, *b = 1, 2
  self.count -= 1
  items.each do |item, (q, w), *z|
    item.save!
  end
  items.map { |m| m.id }.select(&:ok?).first&.name
  f = ->(x, y = 2) { x + y }
  g = lambda { |x| x }
  h = { a: 1, 'b' => 2, "c": 3, d:, **more }
  l = [1, *rest, 2.5, ?c, nil, true, :sym, :"dyn#{a}"]
  w = %w[a b] + %i[c d]
  s = 'single' "joined" + `ls #{dir}` + %q(raw)
  t = <<~SQL + <<-'RAW'
    SELECT #{a}
  SQL
    raw
  RAW
  r = (1..10).to_a + [1...5]
  q = a ? b : c
  o = obj.method arg, key: 1
  a[0] = b[1, 2]
  m = Foo::Bar.new(1)
  n = ::Top
  $global = @ivar
  p(*args, **opts, &blk)
  x = defined?(foo) ? __FILE__ : -a ** 2 <=> ~b
  a =~ /x/ and b !~ /y/m
  foo.() ; foo::bar
  return a unless b
  a => {x:}
end
BEGIN { boot }
__END__
data
