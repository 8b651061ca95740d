package a

func f() {
	// ruleid: assignment-is-definition
	x := secret()
	// ruleid: assignment-is-definition
	var y = secret()
	// ok: assignment-is-definition
	y += secret()
}
