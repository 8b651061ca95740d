# ruleid: into-blocks
begin()
if x:
    end()

if y:
    # ok: into-blocks
    begin()
other()
end_not()


# ruleid: decorator-expression
@register("a")
def f():
    # ruleid: expression-position
    return one(1, *rest, k=2)


# ok: decorator-expression
import register
# ruleid: deep-expression
if a and not danger():
    pass
# ok: deep-expression
if safe():
    danger()
