// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// exitNotContained is the exit code of "reach" where deckies reach what they should not.
const exitNotContained = 2

// reachReport is what the deckies of a topology reach, as its LANs say.
type reachReport struct {
	Namespace string `json:"namespace"`
	Topology  string `json:"topology"`
	// Contained is False if it is that of a LAN, else Unknown if it is.
	Contained metav1.ConditionStatus `json:"contained"`
	LANs      []lanReach             `json:"lans"`
}

// lanReach is what the deckies of a LAN reach besides each other.
type lanReach struct {
	Name      string                 `json:"name"`
	Reaches   []string               `json:"reaches"`
	Host      v1alpha1.Answer        `json:"host"`
	Outside   v1alpha1.Answer        `json:"outside"`
	Metadata  v1alpha1.Answer        `json:"metadata"`
	Contained metav1.ConditionStatus `json:"contained"`
	Reason    string                 `json:"reason"`
	Message   string                 `json:"message,omitempty"`
}

// newReachCommand prints what the deckies of a topology can reach.
func newReachCommand(env *environment) *cobra.Command {
	var namespace, kubeconfig, output string
	command := &cobra.Command{
		Use:   "reach TOPOLOGY",
		Short: "Show what the deckies of each LAN can reach",
		Long: "Show what the deckies of each LAN can reach over the network: the LANs that deckies with forwarding\n" +
			"link, an address of the host, the outside, and 169.254.0.0/16, where clouds keep credentials. It is what\n" +
			"the operator last saw; yes means that nothing it saw prevents it, ? that it cannot tell.\n" +
			"Exit code: 0 if nothing is reached but what the topology allows, 2 if something is, 1 if it is not known.",
		Example: "  deckyard reach acme\n  deckyard reach acme -n lab -o json",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(command *cobra.Command, arguments []string) error {
			if !slices.Contains([]string{"", "json", "yaml"}, output) {
				return usageError{fmt.Errorf("--output %q is not known: use json or yaml, or leave it out for a table", output)}
			}
			config, err := env.connection(kubeconfig)
			if err != nil {
				return err
			}
			report, err := readReach(command.Context(), config, namespace, arguments[0])
			if err != nil {
				return err
			}
			if err := report.write(env.Out, output); err != nil {
				return fmt.Errorf("write what is reached: %w", err)
			}
			return report.verdict()
		},
	}
	command.Flags().StringVarP(&namespace, "namespace", "n", "default", "namespace of the topology")
	addKubeconfigFlag(command, &kubeconfig)
	command.Flags().StringVarP(&output, "output", "o", "", "json or yaml instead of a table")
	return command
}

// readReach reads what the LANs of a topology say.
func readReach(ctx context.Context, config *rest.Config, namespace, name string) (reachReport, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return reachReport{}, fmt.Errorf("create client: %w", err)
	}
	_, err = client.Resource(v1alpha1.GroupVersion.WithResource("topologies")).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return reachReport{}, fmt.Errorf("topology %s/%s does not exist: 'deckyard kubectl get topologies -A' lists those that do", namespace, name)
	case err != nil:
		return reachReport{}, fmt.Errorf("read topology %s/%s: %w", namespace, name, err)
	}
	listed, err := client.Resource(v1alpha1.GroupVersion.WithResource("lans")).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return reachReport{}, fmt.Errorf("list LANs: %w", err)
	}
	report := reachReport{Namespace: namespace, Topology: name, Contained: metav1.ConditionTrue, LANs: []lanReach{}}
	for _, item := range listed.Items {
		var lan v1alpha1.LAN
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, &lan); err != nil {
			return reachReport{}, fmt.Errorf("read LAN %s/%s: %w", namespace, item.GetName(), err)
		}
		if lan.Spec.TopologyRef.Name == name {
			report.LANs = append(report.LANs, reachOf(&lan))
		}
	}
	slices.SortFunc(report.LANs, func(a, b lanReach) int { return strings.Compare(a.Name, b.Name) })
	for _, lan := range report.LANs {
		if lan.Contained == metav1.ConditionFalse || lan.Contained == metav1.ConditionUnknown && report.Contained == metav1.ConditionTrue {
			report.Contained = lan.Contained
		}
	}
	return report, nil
}

// reachOf returns what a LAN says. One that says nothing yet is not known.
func reachOf(lan *v1alpha1.LAN) lanReach {
	contained := meta.FindStatusCondition(lan.Status.Conditions, v1alpha1.ConditionContained)
	if contained == nil {
		contained = &metav1.Condition{
			Status: metav1.ConditionUnknown, Reason: string(v1alpha1.ReasonProgressing), Message: "the operator has not looked at it yet",
		}
	}
	answer := func(given v1alpha1.Answer) v1alpha1.Answer { return cmp.Or(given, v1alpha1.AnswerUnknown) }
	return lanReach{
		Name:    lan.Name,
		Reaches: append([]string{}, lan.Status.Reaches...),
		Host:    answer(lan.Status.ReachesHost), Outside: answer(lan.Status.ReachesOutside), Metadata: answer(lan.Status.ReachesMetadata),
		Contained: contained.Status, Reason: contained.Reason, Message: contained.Message,
	}
}

// verdict is an error unless everything is contained.
func (r *reachReport) verdict() error {
	for _, lan := range r.LANs {
		if lan.Contained != r.Contained {
			continue
		}
		switch lan.Contained {
		case metav1.ConditionFalse:
			return exitError{exitNotContained, fmt.Errorf("LAN %s is not contained (%s): %s", lan.Name, lan.Reason, lan.Message)}
		case metav1.ConditionUnknown:
			return fmt.Errorf("what LAN %s reaches is not known (%s): %s", lan.Name, lan.Reason, lan.Message)
		case metav1.ConditionTrue:
		}
	}
	return nil
}

// write writes the report in a format.
func (r *reachReport) write(out io.Writer, format string) error {
	if format == "" {
		return r.writeTable(out)
	}
	return writeEncoded(out, format, r)
}

// writeTable writes a row for each LAN, and a column for all that can be reached.
func (r *reachReport) writeTable(out io.Writer) error {
	var targets []string
	for _, lan := range r.LANs {
		targets = append(targets, lan.Name)
	}
	for _, lan := range r.LANs {
		for _, name := range lan.Reaches {
			if !slices.Contains(targets, name) {
				targets = append(targets, name)
			}
		}
	}
	rows := [][]string{slices.Concat([]string{"FROM"}, targets, []string{"HOST", "OUTSIDE", "METADATA", "CONTAINED"})}
	for _, lan := range r.LANs {
		row := []string{lan.Name}
		for _, name := range targets {
			row = append(row, lan.cell(name))
		}
		rows = append(rows, append(row, cellOf(lan.Host), cellOf(lan.Outside), cellOf(lan.Metadata), string(lan.Contained)))
	}
	const padding = 3
	return writeColumns(out, padding, rows)
}

// cell says whether a LAN is reached. Its own deckies always reach each other.
func (l *lanReach) cell(name string) string {
	switch {
	case name == l.Name:
		return cellOf(v1alpha1.AnswerYes)
	case l.Contained == metav1.ConditionUnknown:
		return cellOf(v1alpha1.AnswerUnknown)
	case slices.Contains(l.Reaches, name):
		return cellOf(v1alpha1.AnswerYes)
	}
	return cellOf(v1alpha1.AnswerNo)
}

// cellOf is an answer in the table, where what is reached has to catch the eye.
func cellOf(answer v1alpha1.Answer) string {
	switch answer {
	case v1alpha1.AnswerYes:
		return "yes"
	case v1alpha1.AnswerNo:
		return "-"
	case v1alpha1.AnswerUnknown:
	}
	return "?"
}
