# ruleid: anchored-left
call(abcd)
# ok: anchored-left
call(xabc)
# ruleid: with-quotes, without-quotes
quoted("xy")
# ok: with-quotes, without-quotes
quoted("yx")
# ruleid: comments-too
# here
# ok: comments-too
# here not
