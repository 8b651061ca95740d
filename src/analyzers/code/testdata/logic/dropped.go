package dropped

func blank(server *Server, scheme string) int {
	// ok: Go's way to say that they aren't used
	_ = server
	_ = scheme
	total := 0
	// ruleid: logic.overwritten-at-once
	total = 1
	total = 2
	return total
}
