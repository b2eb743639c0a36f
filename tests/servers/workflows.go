// The controller of Argo Workflows as its own program runs it, without the ports that it opens on every address.
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	workflows "github.com/argoproj/argo-workflows/v3/pkg/client/clientset/versioned"
	"github.com/argoproj/argo-workflows/v3/workflow/controller"
)

const workers = 2

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how the cluster is reached")
	namespace := flag.String("namespace", "", "where the controller's own settings are")
	settings := flag.String("configmap", "", "the ConfigMap of its settings")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	config.QPS, config.Burst = 200, 400
	cluster, clients := kubernetes.NewForConfigOrDie(config), workflows.NewForConfigOrDie(config)
	const everywhere, image, pull, format, plugins = "", "executor:none", "Never", "text", false
	made, err := controller.NewWorkflowController(ctx, config, cluster, clients, *namespace, everywhere, image, pull, format, *settings, plugins)
	if err != nil {
		log.Fatal(err)
	}
	go made.Run(ctx, workers, workers, workers, workers, workers)
	<-ctx.Done()
}
