// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/fault"
	"github.com/deckyard/deckyard/internal/model"
)

// customLimits bound containers from images of the user: enough for a real
// daemon, too little to hurt the host.
func customLimits() model.Limits {
	return model.Limits{Memory: 256 << 20, PIDs: 256}
}

// customService resolves a service with an image of its own.
func customService(listed v1alpha1.Service, field string) (Service, *fault.Fault) {
	if len(validation.IsDNS1123Label(listed.Name)) > 0 {
		return Service{}, fault.New(v1alpha1.ReasonInvalidSpec, field+".name",
			"service name %s is not a DNS label: use at most 63 lower-case letters, digits and hyphens", quote(listed.Name))
	}
	if len(listed.Config) > 0 {
		return Service{}, fault.New(v1alpha1.ReasonInvalidSpec, field+".config",
			"config of %q is possible for a catalogue service only: remove image, or pass the settings in env or command", listed.Name)
	}
	ports, mistake := customPorts(listed, field)
	if mistake != nil {
		return Service{}, mistake
	}
	env, mistake := customEnv(listed, field)
	if mistake != nil {
		return Service{}, mistake
	}
	return Service{
		Name:   listed.Name,
		Field:  field,
		Custom: true,
		Ports:  ports,
		Container: Container{
			Image:   listed.Image,
			Command: slices.Clone(listed.Command),
			Env:     env,
			Limits:  customLimits(),
		},
	}, nil
}

func customPorts(listed v1alpha1.Service, field string) ([]model.Port, *fault.Fault) {
	ports := make([]model.Port, 0, len(listed.Ports))
	for i, claimed := range listed.Ports {
		path := fmt.Sprintf("%s.ports[%d]", field, i)
		port, mistake := Port(path, claimed.ContainerPort, claimed.Protocol)
		if mistake != nil {
			return nil, mistake
		}
		if slices.Contains(ports, port) {
			return nil, fault.New(v1alpha1.ReasonInvalidSpec, path, "port %s of service %q is listed twice: remove one", describePort(port), listed.Name)
		}
		ports = append(ports, port)
	}
	return ports, nil
}

// Port turns a port of the API into one of the model. An empty protocol is TCP.
func Port(field string, number int32, protocol v1alpha1.Protocol) (model.Port, *fault.Fault) {
	if number < 1 || number > 65535 {
		return model.Port{}, fault.New(v1alpha1.ReasonInvalidSpec, field, "%d is not a port: use a number from 1 to 65535", number)
	}
	port := model.Port{Number: uint16(number), Protocol: model.TCP}
	switch protocol {
	case v1alpha1.ProtocolTCP, "":
	case v1alpha1.ProtocolUDP:
		port.Protocol = model.UDP
	default:
		return model.Port{}, fault.New(v1alpha1.ReasonInvalidSpec, field, "protocol %s is not known: use TCP or UDP", quote(string(protocol)))
	}
	return port, nil
}

func customEnv(listed v1alpha1.Service, field string) ([]string, *fault.Fault) {
	env := make([]string, 0, len(listed.Env))
	seen := make(map[string]bool, len(listed.Env))
	for i, variable := range listed.Env {
		path := fmt.Sprintf("%s.env[%d]", field, i)
		if len(validation.IsCIdentifier(variable.Name)) > 0 {
			return nil, fault.New(v1alpha1.ReasonInvalidSpec, path+".name", "%s is not the name of an environment variable: use letters, digits and underscores", quote(variable.Name))
		}
		if seen[variable.Name] {
			return nil, fault.New(v1alpha1.ReasonInvalidSpec, path+".name", "environment variable %s of service %q is set twice: remove one", variable.Name, listed.Name)
		}
		if strings.ContainsRune(variable.Value, 0) {
			return nil, fault.New(v1alpha1.ReasonInvalidSpec, path+".value", "environment variable %s of service %q holds a zero byte: remove it", variable.Name, listed.Name)
		}
		seen[variable.Name] = true
		env = append(env, variable.Name+"="+variable.Value)
	}
	slices.SortFunc(env, func(a, b string) int { return strings.Compare(variableName(a), variableName(b)) })
	return env, nil
}

func variableName(entry string) string {
	name, _, _ := strings.Cut(entry, "=")
	return name
}

// checkCatalogueFields refuses what only a custom service can have.
func checkCatalogueFields(listed v1alpha1.Service, field string) *fault.Fault {
	for _, custom := range []struct {
		name string
		set  bool
	}{
		{"command", len(listed.Command) > 0},
		{"env", len(listed.Env) > 0},
		{"ports", len(listed.Ports) > 0},
	} {
		if custom.set {
			return fault.New(v1alpha1.ReasonInvalidSpec, field+"."+custom.name,
				"%s of %q is possible for a custom service only: set image, or use config for a catalogue service", custom.name, listed.Name)
		}
	}
	return nil
}
