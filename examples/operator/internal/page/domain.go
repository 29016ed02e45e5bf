package page

import "net/http"

func (p *page) domainRoutes(*http.ServeMux) {}
