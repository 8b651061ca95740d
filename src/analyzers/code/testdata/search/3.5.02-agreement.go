package a

func f(b *bytes.Buffer, c *strings.Builder) {
	// ruleid: typed-go
	b.Reset()
	// ok: typed-go
	c.Reset()
}
