def same?(a, b)
  # ok: the method's value
  a == b
end

def check(a)
  if a
    # ok: the method's value
    a == 1
  else
    # ok: the method's value
    a != 2
  end
end
