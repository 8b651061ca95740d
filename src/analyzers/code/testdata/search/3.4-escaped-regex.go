package a

func f() {
	// ruleid: redos
	compile(`^(\w+\s?)*$`)
	// ruleid: redos
	compile("^(\\w+\\s?)*$")
	// ok: redos
	compile(`^(\\w+\\s?)*$`)
}
