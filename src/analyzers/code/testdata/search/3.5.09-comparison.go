package a

func f() {
	// ruleid: octal
	os.Chmod("x", 0777)
	// ok: octal
	os.Chmod("x", 0600)
}
