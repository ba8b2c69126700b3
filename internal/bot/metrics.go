package bot

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// callMetrics measure the calls to the cloud.
type callMetrics struct{ seconds *prometheus.HistogramVec }

func newCallMetrics(reg prometheus.Registerer) callMetrics {
	return callMetrics{promauto.With(reg).NewHistogramVec(prometheus.HistogramOpts{
		Name: "ecsbot_cloud_call_seconds", Help: "Duration of calls to the ECS API, by operation and verdict on the answer.",
		Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"op", "verdict"})}
}

func (m callMetrics) observe(op, verdict string, d time.Duration) {
	m.seconds.WithLabelValues(op, verdict).Observe(d.Seconds())
}
