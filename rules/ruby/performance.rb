ids.each do |id|
  # ruleid: ruby.query-in-loop
  user = User.find(id)
  # ok: ruby.query-in-loop
  name = names.find(id)
end
posts.map do |post|
  # ruleid: ruby.query-in-loop
  User.find_by(id: post.user_id)
end
# ok: ruby.query-in-loop
user = User.find(ids.first)

# ruleid: ruby.all-rows-in-memory
User.all.each do |user|
  user.touch
end
# ok: ruby.all-rows-in-memory
User.find_each do |user|
  user.touch
end

# ruleid: ruby.select-then-first
adult = people.select { |p| p.age > 17 }.first
# ok: ruby.select-then-first
adult = people.find { |p| p.age > 17 }

# ruleid: ruby.sort-for-one
oldest = people.sort_by { |p| p.age }.last
# ruleid: ruby.sort-for-one
youngest = people.sort_by { |p| p.age }.first
# ok: ruby.sort-for-one
names = people.sort_by { |p| p.age }.take(3)

# ruleid: ruby.map-then-flatten
tags = posts.map { |p| p.tags }.flatten(1)
# ok: ruby.map-then-flatten
tags = posts.flat_map { |p| p.tags }
