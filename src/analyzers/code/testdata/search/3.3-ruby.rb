# ruleid: rb-call
JWT.decode token, nil
# ok: rb-call
JWT.decode token, key
# ruleid: rb-symbol
params = permit(:name, :admin)
# ok: rb-symbol
params = permit(:name, "admin")
# ruleid: rb-keyword
render inline: text
# ruleid: rb-keyword
render :inline => text
# ok: rb-keyword
render plain: text
# ruleid: rb-class
class A < Base
  def a; end
  skip_check
end
# ok: rb-class
class B < Base
  def a; end
end
# ruleid: rb-block
items.each do |item|
  item.name = "x"
  item.save
end
# ok: rb-block
items.each do |item|
  other.save
end
# ruleid: rb-interpolated
where("name = '#{name}'")
# ok: rb-interpolated
where("name = ?", name)
# ruleid: rb-unless
puts "x" unless ready
# ok: rb-unless
puts "x" if ready
# ruleid: rb-statements
file = File.open(path)
log(path)
file.write("x")
# ruleid: rb-method
def run(a, b = 1)
  a
end
# ok: rb-method
def stop
end
