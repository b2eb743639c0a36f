package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/IBM/sarama"
	"github.com/apache/openwhisk-client-go/whisk"
	pulsarlib "github.com/apache/pulsar-client-go/pulsar"
	"github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	"github.com/argoproj/argo-events/pkg/sensors"
	"github.com/argoproj/argo-events/pkg/sensors/triggers"
	openwhisk "github.com/argoproj/argo-events/pkg/sensors/triggers/apache-openwhisk"
	awslambda "github.com/argoproj/argo-events/pkg/sensors/triggers/aws-lambda"
	eventhubs "github.com/argoproj/argo-events/pkg/sensors/triggers/azure-event-hubs"
	servicebus "github.com/argoproj/argo-events/pkg/sensors/triggers/azure-service-bus"
	"github.com/argoproj/argo-events/pkg/sensors/triggers/email"
	httptrigger "github.com/argoproj/argo-events/pkg/sensors/triggers/http"
	"github.com/argoproj/argo-events/pkg/sensors/triggers/kafka"
	logtrigger "github.com/argoproj/argo-events/pkg/sensors/triggers/log"
	natstrigger "github.com/argoproj/argo-events/pkg/sensors/triggers/nats"
	"github.com/argoproj/argo-events/pkg/sensors/triggers/pulsar"
	"github.com/argoproj/argo-events/pkg/sensors/triggers/slack"
	sharedutil "github.com/argoproj/argo-events/pkg/shared/util"
	notifications "github.com/argoproj/notifications-engine/pkg/services"
	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/lambda"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func kept[T any](name string, one T) sharedutil.StringKeyedMap[T] {
	all := sharedutil.NewStringKeyedMap[T]()
	all.Store(name, one)
	return all
}

func makeHTTP(sensor *v1alpha1.Sensor, trigger *v1alpha1.Trigger) (made, error) {
	line := &wire{}
	one, err := httptrigger.NewHTTPTrigger(kept(trigger.Template.Name, &http.Client{Transport: line}), sensor, trigger, quiet())
	return made{trigger: one, seen: func() shown { return line.sent }}, err
}

func makeLambda(sensor *v1alpha1.Sensor, trigger *v1alpha1.Trigger) (made, error) {
	line := &wire{}
	opened, err := session.NewSession(&aws.Config{
		HTTPClient: &http.Client{Transport: line}, Credentials: credentials.NewStaticCredentials("id", "secret", ""),
		MaxRetries: aws.Int(0), Region: &trigger.Template.AWSLambda.Region,
	})
	if err != nil {
		return made{}, err
	}
	one, err := awslambda.NewAWSLambdaTrigger(kept(trigger.Template.Name, lambda.New(opened)), sensor, trigger, quiet())
	return made{trigger: one, seen: func() shown { return line.sent }}, err
}

func makeWhisk(sensor *v1alpha1.Sensor, trigger *v1alpha1.Trigger) (made, error) {
	line := &wire{}
	spec := trigger.Template.OpenWhisk
	config := &whisk.Config{Host: spec.Host, Namespace: spec.Namespace, Version: spec.Version, AuthToken: "user:key"}
	client, err := whisk.NewClient(&http.Client{Transport: line}, config)
	if err != nil {
		return made{}, err
	}
	one, err := openwhisk.NewTriggerImpl(sensor, trigger, kept(trigger.Template.Name, client), quiet())
	return made{trigger: one, seen: func() shown { return line.sent }}, err
}

// producer is a Kafka client that takes one record.
type producer struct {
	sarama.AsyncProducer
	input chan *sarama.ProducerMessage
}

func (p producer) Input() chan<- *sarama.ProducerMessage { return p.input }

func makeKafka(sensor *v1alpha1.Sensor, trigger *v1alpha1.Trigger) (made, error) {
	taken := producer{input: make(chan *sarama.ProducerMessage, 1)}
	one, err := kafka.NewKafkaTrigger(sensor, trigger, kept(trigger.Template.Name, sarama.AsyncProducer(taken)), quiet())
	return made{trigger: one, seen: func() shown {
		select {
		case record := <-taken.input:
			return record_(record)
		default:
			return nil
		}
	}}, err
}

func record_(record *sarama.ProducerMessage) shown {
	value, _ := record.Value.Encode()
	headers := shown{}
	for _, header := range record.Headers {
		headers[string(header.Key)] = string(header.Value)
	}
	sent := shown{"topic": record.Topic, "body": body(value), "headers": headers, "key": nil}
	if record.Key != nil {
		key, _ := record.Key.Encode()
		sent["key"] = string(key)
	}
	return sent
}

type pulsarProducer struct {
	pulsarlib.Producer
	sent shown
}

func (p *pulsarProducer) Send(_ context.Context, message *pulsarlib.ProducerMessage) (pulsarlib.MessageID, error) {
	p.sent = shown{"body": body(message.Payload)}
	return nil, nil
}

func makePulsar(sensor *v1alpha1.Sensor, trigger *v1alpha1.Trigger) (made, error) {
	taken := &pulsarProducer{}
	one, err := pulsar.NewPulsarTrigger(sensor, trigger, kept(trigger.Template.Name, pulsarlib.Producer(taken)), quiet())
	return made{trigger: one, seen: func() shown { return taken.sent }}, err
}

// payloadOnly stands for kinds whose clients cannot be doubled: the body is built by the same function that they call.
type payloadOnly struct {
	sensors.Trigger
	payload func(resource any) []v1alpha1.TriggerParameter
	sent    shown
}

func (p *payloadOnly) Execute(_ context.Context, events map[string]*v1alpha1.Event, resource interface{}) (interface{}, error) {
	entries := p.payload(resource)
	if entries == nil {
		return nil, fmt.Errorf("payload parameters are not specified")
	}
	content, err := triggers.ConstructPayload(events, entries)
	if err != nil {
		return nil, err
	}
	p.sent = shown{"body": body(content)}
	return nil, nil
}

func makeEventHubs(sensor *v1alpha1.Sensor, trigger *v1alpha1.Trigger) (made, error) {
	one := &payloadOnly{
		Trigger: &eventhubs.AzureEventHubsTrigger{Sensor: sensor, Trigger: trigger, Logger: quiet()},
		payload: func(resource any) []v1alpha1.TriggerParameter {
			return resource.(*v1alpha1.AzureEventHubsTrigger).Payload
		},
	}
	return made{trigger: one, seen: func() shown { return one.sent }}, nil
}

func makeServiceBus(sensor *v1alpha1.Sensor, trigger *v1alpha1.Trigger) (made, error) {
	one := &payloadOnly{
		Trigger: &servicebus.AzureServiceBusTrigger{Sensor: sensor, Trigger: trigger, Logger: quiet()},
		payload: func(resource any) []v1alpha1.TriggerParameter {
			return resource.(*v1alpha1.AzureServiceBusTrigger).Payload
		},
	}
	return made{trigger: one, seen: func() shown { return one.sent }}, nil
}

func makeNATS(sensor *v1alpha1.Sensor, trigger *v1alpha1.Trigger) (made, error) {
	server, err := natsServer()
	if err != nil {
		return made{}, err
	}
	server.forget()
	one, err := natstrigger.NewNATSTrigger(sensor, trigger, kept(trigger.Template.Name, server.client), quiet())
	return made{trigger: one, seen: func() shown { return server.last() }}, err
}

// publications is what a NATS server has to say and hear for one client that publishes.
type publications struct {
	client *nats.Conn
	lock   sync.Mutex
	sent   shown
}

var natsServer = sync.OnceValues(func() (*publications, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &publications{}
	go func() {
		connection, err := listener.Accept()
		if err == nil {
			server.serve(connection)
		}
	}()
	server.client, err = nats.Connect("nats://" + listener.Addr().String())
	return server, err
})

func (p *publications) serve(connection net.Conn) {
	fmt.Fprint(connection, "INFO {\"server_id\":\"double\",\"version\":\"2.10.0\",\"max_payload\":67108864,\"headers\":true}\r\n")
	reader := bufio.NewReader(connection)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "PING":
			fmt.Fprint(connection, "PONG\r\n")
		case words[0] == "PUB":
			size, _ := strconv.Atoi(words[len(words)-1])
			content := make([]byte, size+2)
			for at := 0; at < len(content); {
				n, err := reader.Read(content[at:])
				if err != nil {
					return
				}
				at += n
			}
			p.lock.Lock()
			p.sent = shown{"subject": words[1], "body": body(content[:size])}
			p.lock.Unlock()
		}
	}
}

func (p *publications) forget() {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.sent = nil
}

func (p *publications) last() shown {
	// The server has read what was published once it answers a ping.
	if err := p.client.Flush(); err != nil {
		panic(err)
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.sent
}

// posts is a service for notifications that keeps them.
type posts struct{ sent []shown }

func (p *posts) Send(notification notifications.Notification, destination notifications.Destination) error {
	one := shown{"recipient": destination.Recipient, "message": notification.Message}
	if notification.Slack != nil {
		one["thread"], one["broadcast"] = notification.Slack.GroupingKey, notification.Slack.NotifyBroadcast
		one["attachments"], one["blocks"] = notification.Slack.Attachments, notification.Slack.Blocks
	}
	if notification.Email != nil {
		one["subject"] = notification.Email.Subject
	}
	p.sent = append(p.sent, one)
	return nil
}

func makeSlack(sensor *v1alpha1.Sensor, trigger *v1alpha1.Trigger) (made, error) {
	taken := &posts{}
	one := &slack.SlackTrigger{Sensor: sensor, Trigger: trigger, Logger: quiet()}
	inside(one, "slackSvc", taken)
	return made{trigger: one, seen: func() shown {
		if len(taken.sent) == 0 {
			return nil
		}
		return taken.sent[0]
	}}, nil
}

func makeEmail(sensor *v1alpha1.Sensor, trigger *v1alpha1.Trigger) (made, error) {
	taken := &posts{}
	one := &email.EmailTrigger{Sensor: sensor, Trigger: trigger, Logger: quiet()}
	inside(one, "emailSvc", taken)
	return made{trigger: one, seen: func() shown {
		if len(taken.sent) == 0 {
			return nil
		}
		return shown{"mails": taken.sent, "from": trigger.Template.Email.From}
	}, whole: true}, nil
}

func makeLog(sensor *v1alpha1.Sensor, trigger *v1alpha1.Trigger) (made, error) {
	core, seen := observer.New(zap.InfoLevel)
	one, err := logtrigger.NewLogTrigger(sensor, trigger, zap.New(core).Sugar())
	return made{trigger: one, seen: func() shown {
		events := shown{}
		for _, line := range seen.All() {
			fields := line.ContextMap()
			events[fields["dependencyName"].(string)] = shown{"message": line.Message, "context": fields["eventContext"]}
		}
		return shown{"events": events}
	}}, err
}
