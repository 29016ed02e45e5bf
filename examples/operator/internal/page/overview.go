package page

import "net/http"

func (p *page) overviewRoutes(*http.ServeMux) {}
