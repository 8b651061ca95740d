// ruleid: any-attributes
x = <Box wide open />;
// ok: any-attributes
x = <Box wide />;
// ok: only-attributes
// ruleid: any-attributes
x = <Box open wide />;
// ruleid: only-attributes, any-attributes
x = <Box open />;
// ruleid: only-empty
x = <Row />;
// ok: only-empty
x = <Row><Cell /></Row>;
// ruleid: whole-record
record({a: 1});
// ok: whole-record
record({a: 1, b: 2});
// ruleid: any-boolean-order
both(b && a);
// ok: boolean-order
ordered(b && a);
// ruleid: boolean-order
ordered(a && b);
