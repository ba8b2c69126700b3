package bot

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// callMetrics time the calls to the cloud.
type callMetrics struct{ seconds *prometheus.HistogramVec }

func newCallMetrics(reg prometheus.Registerer) callMetrics {
	m := callMetrics{prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "ecsbot_cloud_call_seconds", Help: "Time of calls to the ECS API, by operation and verdict on the answer.",
		Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"op", "verdict"})}
	reg.MustRegister(m.seconds)
	return m
}

func (m callMetrics) observe(op, verdict string, d time.Duration) {
	m.seconds.WithLabelValues(op, verdict).Observe(d.Seconds())
}
