package browser

import "sync"

// looked is every page that anybody has seen.
var looked pagesSeen

type pagesSeen struct {
	mu    sync.Mutex
	pages map[string]bool
}

func (s *pagesSeen) add(p *page) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pages == nil {
		s.pages = map[string]bool{}
	}
	s.pages[p.Title] = true
}
