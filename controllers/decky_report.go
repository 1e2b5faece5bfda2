// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/plan"
)

// report writes what was seen to status, and sets the conditions about it.
func (s *deckyScope) report(state plan.DeckyState) {
	if family, mistake := s.Catalogue.Family(s.decky); mistake == nil {
		s.decky.Status.OSFamily = family.Name
	}
	s.reportBase(state.Base)
	s.reportInterfaces(state)
	s.reportServices(state)
	s.reportRecreatePending(state.RecreatePending)
}

func (s *deckyScope) reportBase(base plan.ContainerState) {
	if base.Container == nil {
		s.decky.Status.Base = v1alpha1.BaseStatus{}
		return
	}
	s.decky.Status.Base = v1alpha1.BaseStatus{ContainerID: base.Container.ID, Image: base.Container.Image}
	if !base.Container.StartedAt.IsZero() {
		// To the second, as the API server keeps it: more would look like a change.
		startedAt := metav1.NewTime(base.Container.StartedAt.Truncate(time.Second))
		s.decky.Status.Base.StartedAt = &startedAt
	}
}

// reportInterfaces sets EndpointsInSync: interfaces first, since routes and kernel
// settings follow from them.
func (s *deckyScope) reportInterfaces(state plan.DeckyState) {
	for i := range s.decky.Status.Interfaces {
		recorded := &s.decky.Status.Interfaces[i]
		recorded.Connected = false
		for _, endpoint := range state.Endpoints {
			if endpoint.LAN != recorded.LAN {
				continue
			}
			recorded.Connected = endpoint.Connected
			if endpoint.Connected && endpoint.MAC != "" {
				recorded.MACAddress = endpoint.MAC
			}
		}
	}
	if reason, message := networkFault(state); reason != "" {
		s.pass.Conditions().False(v1alpha1.ConditionEndpointsInSync, reason, message)
		return
	}
	s.pass.Conditions().True(v1alpha1.ConditionEndpointsInSync, "")
}

// networkFault returns the first thing that is wrong with the base's network
// namespace; an empty reason if nothing is.
func networkFault(state plan.DeckyState) (reason v1alpha1.Reason, message string) {
	for _, endpoint := range state.Endpoints {
		if endpoint.Reason != "" {
			return endpoint.Reason, endpoint.Message
		}
	}
	switch {
	case len(state.Routes) > 0:
		return state.Routes[0].Reason, state.Routes[0].Message
	case len(state.Sysctls) > 0:
		sysctl := state.Sysctls[0]
		return v1alpha1.ReasonSysctlDrifted, fmt.Sprintf("The kernel setting %s is %s instead of %s", sysctl.Name, sysctl.Have, sysctl.Want)
	}
	return "", ""
}

// reportServices sets ContainersRunning and ServicesAnswering.
func (s *deckyScope) reportServices(state plan.DeckyState) {
	conditions := s.pass.Conditions()
	ready := 0
	statuses := make([]v1alpha1.ServiceStatus, 0, len(state.Services))
	notRunning, notAnswering := state.Base, ""
	for _, service := range state.Services {
		seen := v1alpha1.ServiceStatus{Name: service.Name, State: service.State(), Ready: service.Ready(), Message: service.Message}
		if service.Container != nil {
			seen.ContainerID = service.Container.ID
			seen.RestartCount = clampInt32(service.Container.RestartCount)
		}
		switch {
		case seen.Ready:
			ready++
		case service.Reason != "" && notRunning.Reason == "":
			notRunning = service.ContainerState
		case service.Reason == "":
			seen.Message = "nothing listens on " + portList(service.MissingPorts)
		}
		if !service.Listening() && notAnswering == "" {
			notAnswering = fmt.Sprintf("Nothing listens on %s, the port of service %s", portList(service.MissingPorts), service.Name)
		}
		statuses = append(statuses, seen)
	}
	s.decky.Status.Services = statuses
	s.decky.Status.ServicesSummary = strconv.Itoa(ready) + "/" + strconv.Itoa(len(statuses))
	if notRunning.Reason == "" {
		conditions.True(v1alpha1.ConditionContainersRunning, "")
	} else {
		conditions.False(v1alpha1.ConditionContainersRunning, notRunning.Reason, notRunning.Message)
	}
	if notAnswering == "" {
		conditions.True(v1alpha1.ConditionServicesAnswering, "")
	} else {
		conditions.False(v1alpha1.ConditionServicesAnswering, v1alpha1.ReasonPortNotListening, notAnswering)
	}
}

func portList(ports []model.Port) string {
	words := make([]string, 0, len(ports))
	for _, port := range ports {
		words = append(words, fmt.Sprintf("%d/%s", port.Number, port.Protocol))
	}
	return strings.Join(words, ", ")
}

// reportRecreatePending sets RecreatePending while a change waits for consent.
func (s *deckyScope) reportRecreatePending(fields []string) {
	conditions := s.pass.Conditions()
	if len(fields) == 0 {
		conditions.Remove(v1alpha1.ConditionRecreatePending)
		return
	}
	conditions.Present(v1alpha1.ConditionRecreatePending, v1alpha1.ReasonRecreatePending, fmt.Sprintf(
		"The change of %s needs a new base container, which disrupts %s: set spec.updateStrategy to Recreate, or annotate the Decky with %s=%q",
		strings.Join(fields, ", "), plan.DisruptsBase, v1alpha1.AnnotationRecreateAllowed, strconv.FormatInt(s.decky.Generation, 10)))
}

// joinLANs names the LANs of the interfaces, for the printer column.
func joinLANs(interfaces []v1alpha1.InterfaceStatus) string {
	names := make([]string, 0, len(interfaces))
	for _, each := range interfaces {
		names = append(names, each.LAN)
	}
	return strings.Join(names, ",")
}

// isAccepted reports whether the decky's spec was usable when it was last looked at.
func isAccepted(decky *v1alpha1.Decky) bool {
	return meta.IsStatusConditionTrue(decky.Status.Conditions, v1alpha1.ConditionAccepted)
}
